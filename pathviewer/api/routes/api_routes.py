"""All routes of the JSON API, made once for HTTP and for the Gradio endpoints."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pathviewer.api.routes.attention_maps import AttentionMapRoutes
from pathviewer.api.routes.audit import AuditRoutes
from pathviewer.api.routes.comparisons import ComparisonRoutes
from pathviewer.api.routes.deletion_check import DeletionCheckRoutes
from pathviewer.api.routes.evidence import EvidenceRoutes
from pathviewer.api.routes.exports import ExportRoutes
from pathviewer.api.routes.feedback import FeedbackRoutes
from pathviewer.api.routes.insights import InsightsRoutes
from pathviewer.api.routes.metrics import MetricsRoutes
from pathviewer.api.routes.question_preview import QuestionPreviewRoutes
from pathviewer.api.routes.question_report import QuestionReportRoutes
from pathviewer.api.routes.questions import QuestionRoutes
from pathviewer.api.routes.regions import RegionRoutes
from pathviewer.api.routes.service import ServiceRoutes
from pathviewer.api.routes.slide_map import SlideMapRoutes
from pathviewer.api.routes.slides import SlideRoutes
from pathviewer.api.routes.uploads import UploadRoutes
from pathviewer.api.routes.worklist_report import WorklistReportRoutes
from pathviewer.api.routes.worklists import WorklistRoutes

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


@dataclass(frozen=True)
class ApiRoutes:
    """The handlers of each noun, in matching order."""

    service: ServiceRoutes
    metrics: MetricsRoutes
    slides: SlideRoutes
    regions: RegionRoutes
    preview: QuestionPreviewRoutes
    questions: QuestionRoutes
    report: QuestionReportRoutes
    worklist_report: WorklistReportRoutes
    maps: AttentionMapRoutes
    slide_map: SlideMapRoutes
    feedback: FeedbackRoutes
    comparisons: ComparisonRoutes
    audit: AuditRoutes
    worklists: WorklistRoutes
    deletion_check: DeletionCheckRoutes
    evidence: EvidenceRoutes
    uploads: UploadRoutes
    insights: InsightsRoutes
    exports: ExportRoutes

    def routes(self) -> list[BaseRoute]:
        """Return the HTTP routes."""
        groups = [getattr(self, field.name) for field in fields(self)]
        return [route for group in groups for route in group.router().routes]
