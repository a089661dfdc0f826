"""The log-in page and the page of a refusal: plain HTML, own style sheet, no script."""

from collections.abc import Iterable
from html import escape

from api.identity.authorization import AuthorizationRequest
from api.identity.config import Client, Persona, origin_of
from api.identity.words import PERSONA_WORDS, REFUSALS, SCOPE_WORDS, STAFF_WORDS

_HEAD = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{prefix}/login.css">
<link rel="icon" href="data:,">
</head>
<body>
"""


def page_policy(redirect_uri: str | None) -> str:
    """Content-Security-Policy. The form's redirect chain must be allowed too, hence the origin of
    the checked redirect URI."""
    target = f" {origin_of(redirect_uri)}" if redirect_uri else ""
    return (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
        f"form-action 'self'{target}; frame-ancestors 'none'"
    )


def _words(persona: Persona) -> tuple[str, str]:
    scopes = "、".join(_scope_words(persona.scope.split(" ")))
    name, hint = PERSONA_WORDS.get(persona.persona, (STAFF_WORDS, scopes))
    return persona.name or name, hint


def _scope_words(scopes: Iterable[str]) -> list[str]:
    return [SCOPE_WORDS.get(scope, scope) for scope in scopes if scope != "openid"]


def _choice(number: int, persona: Persona) -> str:
    name, hint = _words(persona)
    return (
        f'<label class="choice"><input type="radio" name="persona" required '
        f'value="{escape(persona.persona)}"{" checked" if number == 0 else ""}>'
        f'<span class="who"><span class="name">{escape(name)}</span>'
        f'<span class="hint">{escape(hint)}</span></span></label>'
    )


def _shared(request: AuthorizationRequest) -> str:
    return "、".join(_scope_words(request.scopes)) or "登录结果"


def login_page(
    *,
    prefix: str,
    page: str,
    client: Client,
    request: AuthorizationRequest,
    personas: list[Persona],
) -> str:
    choices = "\n".join(_choice(number, persona) for number, persona in enumerate(personas))
    return f"""{_HEAD.format(title="登录 · 诚信演示", prefix=escape(prefix))}<main>
<header>
<p class="mark" aria-hidden="true">诚信</p>
<h1>选择一位演示人物</h1>
<p>这是演示用的登录页。人物都是虚构的，不需要密码，请不要填写真实的个人信息。</p>
</header>
<form method="post" action="{escape(prefix)}/authorize">
<input type="hidden" name="page" value="{escape(page)}">
<fieldset>
<legend>以谁的身份登录“{escape(client.name)}”</legend>
{choices}
</fieldset>
<p class="shared">登录后，“{escape(client.name)}”可以使用：{escape(_shared(request))}。</p>
<div class="buttons">
<button class="main" name="decision" value="login">登录</button>
<button name="decision" value="cancel" formnovalidate>取消</button>
</div>
</form>
</main>
</body>
</html>
"""


def refusal_page(*, prefix: str, reason: str) -> str:
    return f"""{_HEAD.format(title="无法登录 · 诚信演示", prefix=escape(prefix))}<main>
<header>
<p class="mark" aria-hidden="true">诚信</p>
<h1>无法登录</h1>
<p role="alert">{escape(REFUSALS[reason])}</p>
<p>您可以关闭本页，回到原来的应用再试一次。</p>
</header>
</main>
</body>
</html>
"""
