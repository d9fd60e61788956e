"""The world goes on: what happens is written as it happens, and what the program tells is kept once."""
