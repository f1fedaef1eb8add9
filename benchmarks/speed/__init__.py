"""How fast a node is beside bare parts and beside what people use instead."""
