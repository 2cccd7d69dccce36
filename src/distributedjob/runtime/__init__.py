"""What every long-lived part needs: a clock, crash points, background services, supervision."""
