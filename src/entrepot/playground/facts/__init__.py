"""The facts of the warehouse: who and what there is, and what happened when."""
