"""What happens on each route: values in, records out."""
