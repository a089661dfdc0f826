"""Response headers as `components/headers`."""

from typing import Any

VISIBLE = "^[ -~]+$"


def _text(description: str, example: str, max_length: int, **more: Any) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": max_length, **(more or {"pattern": VISIBLE})}
    return {"description": description, "schema": schema, "example": example}


def header_components() -> dict[str, Any]:
    return {
        "Cache-Control-Private": _text(
            "不得由任何缓存保存（RFC 9111）",
            "private, no-store",
            32,
            enum=["private, no-store", "no-store"],
        ),
        "Cache-Control-Public": _text(
            "可由任何缓存保存；更新时先用旧的",
            "public, max-age=60, stale-while-revalidate=3600",
            128,
        ),
        "ETag": _text(
            "取自快照版本；请放进 If-None-Match",
            '"20260101-3f9c2ab1.1"',
            128,
            pattern='^"[!#-~]+"$',
        ),
        "Chengxin-Snapshot": _text("答复所依据的快照", "20260101-3f9c2ab1", 64),
        "Access-Control-Allow-Origin": _text("公开信息可由任何网站读取", "*", 1, const="*"),
        "Content-Language": _text("文字的语言", "zh", 2, enum=["zh", "en"]),
        "WWW-Authenticate": _text("需要怎样的身份（RFC 6750）", 'Bearer realm="chengxin"', 64),
        "RateLimit": _text(
            "还可请求多少次（r）、多少秒后重新计数（t）；IETF 草案 httpapi-ratelimit-headers",
            '"partner";r=5999;t=42',
            128,
        ),
        "RateLimit-Policy": _text("上限（q）与时间窗秒数（w）", '"partner";q=6000;w=60', 128),
        "Retry-After": {
            "description": "多少秒后再试（RFC 9110）；只随可以重试的答复发送",
            "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 86400},
            "example": 60,
        },
    }
