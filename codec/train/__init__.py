"""Training: a loop for each network, `codec train` in the terminal; what they share is in `loop` and `commands`."""
