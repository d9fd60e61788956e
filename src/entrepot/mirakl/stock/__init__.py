"""Stock: components, bills of material, what is reserved and what can be built."""
