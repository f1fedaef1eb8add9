"""What is left of meaning between real models: routes, choice, anchors needed, merged lists."""
