"""Who may look: the guard, logins, sessions, roles, OpenID Connect."""
