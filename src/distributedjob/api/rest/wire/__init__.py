"""JSON as it goes over the wire, and its mapping to the model: one file per noun."""
