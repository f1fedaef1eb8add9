"""Collections that move between systems: files with their envelope, and other vector databases."""
