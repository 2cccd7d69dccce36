"""The edges: parse, authorise, call a service, map errors. No rule of the product lives here."""
