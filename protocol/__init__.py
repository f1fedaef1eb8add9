"""What crosses between organisations: formats, signatures and acceptance rules, without any I/O."""
