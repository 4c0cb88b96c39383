"""`/manage/<name>/webhooks` and `/admin/webhooks`: addresses that are told what happens to a project, or to all."""

from webapp.webhooks import views
from webapp.webhooks.blueprint import bp

__all__ = ["bp", "views"]
