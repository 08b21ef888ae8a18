"""Access control: the guard, logins, sessions, roles, OpenID Connect."""
