"""The simulated world acts on the program: it sells in a sandbox shop and on a marketplace, and facts come back."""
