"""What a partner can take out of a collection through its grant, by playing that partner."""
