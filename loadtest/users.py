"""Who asks: citizens on phones, the public, now and then somebody who enrols or leaves.

Every reply is decoded with the service's own types, so that a 200 with a wrong body is a failure.
Weights are the shares expected on the day of a monthly notice: almost everybody looks at the score,
one in eight asks why, one in a hundred reads the rules.
"""

import random
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from locust import between, task
from locust.contrib.fasthttp import FastHttpUser, ResponseContextManager

from api.commands.demo.handover import DemoDocument, read_handover
from api.commands.demo.tokens import citizen_token
from api.schemas import EnrolmentAnswer, ExplanationAnswer, ScoreAnswer
from scoring.contract.documents import BenefitsDocument, RulesDocument

T = TypeVar("T")


@cache
def demo(path: str) -> DemoDocument:
    return read_handover(Path(path))


def decoded(response: ResponseContextManager, type_: type[T]) -> T | None:
    """The body as `type_`; marks the reply as failed and returns None where it is not one."""
    if response.status_code != 200:
        response.failure(f"status {response.status_code}")
        return None
    try:
        return msgspec.json.decode(response.content or b"", type=type_)
    except msgspec.DecodeError as error:
        response.failure(f"body is no {type_.__name__}: {error}")
        return None


class Citizen(FastHttpUser):
    """An enrolled citizen; the token is made with the demo provider's key, as a log-in would."""

    weight = 20
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        document = demo(self.environment.parsed_options.demo_json)
        sub = random.choice(document.subs)
        self.headers = {"Authorization": f"Bearer {citizen_token(document, sub)}"}

    @task(80)
    def look_at_my_score(self) -> None:
        with self._get("/v1/me/score", "score") as response:
            answer = decoded(response, ScoreAnswer)
            if answer and not 0 <= answer.score <= 1000:
                response.failure("score out of range")

    @task(10)
    def ask_why(self) -> None:
        with self._get("/v1/me/score/explanation", "explanation") as response:
            answer = decoded(response, ExplanationAnswer)
            if answer and answer.base + sum(item.points for item in answer.items) != answer.score:
                response.failure("base and points do not add up to the score")

    @task(2)
    def look_at_my_enrolment(self) -> None:
        with self._get("/v1/me/enrolment", "enrolment") as response:
            answer = decoded(response, EnrolmentAnswer)
            if answer and answer.status != "active":
                response.failure("an enrolled citizen is told that she is not")

    def _get(self, path: str, name: str) -> Any:
        return self.client.get(path, name=name, headers=self.headers, catch_response=True)


class Reader(FastHttpUser):
    """Somebody who reads the rules and the benefits, without a token."""

    weight = 1
    wait_time = between(1.0, 4.0)

    @task(3)
    def read_the_rules(self) -> None:
        with self.client.get("/v1/rules", name="public", catch_response=True) as response:
            decoded(response, RulesDocument)

    @task(2)
    def read_the_benefits(self) -> None:
        with self.client.get("/v1/benefits", name="public", catch_response=True) as response:
            decoded(response, BenefitsDocument)
