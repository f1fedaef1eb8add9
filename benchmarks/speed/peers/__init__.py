"""What people would use instead: unsigned, with the same data, parameters and load."""
