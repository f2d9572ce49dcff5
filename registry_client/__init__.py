"""A registry's side of the data exchange: a client for the log, an endpoint for its calls, a registry between them.

`client.RegistryClient` calls the hub; `registry.Registry` keeps accounts, units and transactions;
`endpoint.application` serves it to the hub; `identifiers` has the numbers that registries give out; `main` is the
command `registry`.
"""
