"""The store: tables, migrations, queries. Above it nobody knows SQL; it knows neither XML nor the wire."""
