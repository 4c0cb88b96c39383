"""OpenID Connect: what other sites certify about people and pipelines."""
