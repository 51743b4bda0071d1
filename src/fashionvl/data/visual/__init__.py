"""Where photographs come from when they do not come as pixels."""
