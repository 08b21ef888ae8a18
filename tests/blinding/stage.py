"""One example on the site: requests, their story, and what differs from the policy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.blinding.catalogue import Catalogue
from tests.blinding.in_process import Response
from tests.blinding.oracle import Oracle
from tests.blinding.scanner import Report, Scanner
from tests.blinding.site import Site


@dataclass(frozen=True)
class Request:
    """A request over HTTP, and the Gradio endpoint that does the same."""

    method: str
    path: str
    body: Any = None
    endpoint: str = ""
    """Name of the endpoint; empty if there is none."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Its arguments."""
    stream: bool = False
    """Whether the response may not end."""


@dataclass
class Stage:
    """One example."""

    site: Site
    """The application, with the filled database."""
    oracle: Oracle
    """The book."""
    report: Report
    """What the run has seen."""
    collects: bool = False
    """Whether differences are noted for the report only, and raise nothing."""
    story: list[str] = field(default_factory=list)
    """One line a request."""

    def send(self, actor: str, request: Request, *, gradio: bool = False) -> Response:
        """Send a request, not yet scanned."""
        path = request.path.partition("?")[0]
        if gradio and request.endpoint:
            answer = self.site.endpoint(actor, request.endpoint, **request.arguments)
            name = f"gradio {request.endpoint}"
            self.report.requests.update([name, f"{request.method} {path}"])
        else:
            answer = self.site.call(
                actor, request.method, request.path, request.body, stream=request.stream
            )
            name = f"{request.method} {self._shorten(request.path)}"
            self.report.requests[f"{request.method} {path}"] += 1
        refusal = "" if answer.is_good else f": {answer.error}"
        said = f" {request.body}" if request.body else ""
        self.story.append(f"{actor}: {name}{self._shorten(said)} -> {answer.status}{refusal}")
        if answer.status >= 500 and answer.status != 503:
            self.differ("a request fails", actor, request)
        return answer

    def scan(
        self, actor: str, request: Request, answer: Response, shown: Collection[str] = ()
    ) -> None:
        """Search a response for what the actor may not see."""
        for leak in Scanner(self.report).find_leaks(self.oracle, actor, answer, shown):
            self.differ(f"LEAK {leak.split(' (')[0]} in", actor, request, leak)

    def look(
        self,
        actor: str,
        request: Request,
        *,
        gradio: bool = False,
        shown: Collection[str] = (),
    ) -> Response:
        """Send a request that changes nothing, and scan the response."""
        answer = self.send(actor, request, gradio=gradio)
        self.scan(actor, request, answer, shown)
        return answer

    def act(self, name: str) -> int:
        """Number an act that succeeded."""
        self.report.acts[name] += 1
        return self.oracle.tick()

    def differ(self, kind: str, actor: str, request: Request, detail: str = "") -> None:
        """Raise an AssertionError with the story, or note the difference."""
        kind = f"{kind} {request.method} {generalize(request.path)}"
        told = "\n".join([*self.story, f"=> {kind} for {actor}: {detail}"])
        self.report.note(kind, told)
        if not self.collects:
            raise AssertionError(f"\n{told}")

    def _shorten(self, text: str) -> str:
        """Replace ids by the place of their object, such as `blind#0`."""
        for id_, name in self.names().items():
            text = text.replace(id_, name)
        return text

    def names(self) -> dict[str, str]:
        """Readable names of ids."""
        made, named = self.oracle.made, {}
        for worklist in made.worklists.values():
            named[worklist.id] = worklist.name
        for place, question in enumerate(made.questions.values()):
            of = question.worklist.name if question.worklist else question.asker
            named[question.id] = f"Q{place}({of})"
            named[question.item or "-"] = f"item of Q{place}({of})"
            for completion in question.completions:
                named[completion.id] = f"Q{place}({of}).{completion.index}"
        for item, question_id in made.items.items():
            named[item] = f"item of {named.get(question_id, '?')}"
        for place, one in enumerate(self.oracle.comparisons):
            named[one.id] = f"C{place}({one.rater})"
        return {id_: name for id_, name in named.items() if len(id_) > 1}


def open_stage(site: Site, made: Catalogue, report: Report, *, collects: bool = False) -> Stage:
    """Begin an example: the filled database, an empty book."""
    site.reset()
    return Stage(site, Oracle(made), report, collects)


def generalize(path: str) -> str:
    """A path without its ids and query."""
    parts = path.partition("?")[0].split("/")
    is_id = [part[8:9] == part[13:14] == part[18:19] == part[23:24] == "-" for part in parts]
    return "/".join(
        "*" + part[36:] if id_ else part for part, id_ in zip(parts, is_id, strict=True)
    )
