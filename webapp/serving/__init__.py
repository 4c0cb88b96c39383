"""How HTTP is answered: public pages, errors, filters, pagination, security headers, logs and metrics."""
