"""What the document says about the service as a whole: name, tags, ways to identify oneself."""

from typing import Any

from api.access import CITIZEN_SCOPE

BEARER_SCHEME = "cityIdentity"

TITLE = "诚信 · 市民信用分接口"
SUMMARY = "自愿加入、逐分可查、只用于守信激励的市民信用分。"
DESCRIPTION = """\
信用分自愿加入、随时退出；只能带来便利，不能限制任何服务。

**身份。** 市民与工作人员使用城市统一身份平台（OpenID Connect）签发的访问令牌；公开接口不需要令牌。

**错误。** 一律为 RFC 9457 的 `application/problem+json`；`code` 稳定不变，`title` 与 `detail` \
按 `Accept-Language` 为中文或英文，`trace_id` 用于联系我们时查找。

**时间。** 时刻为 RFC 3339 UTC，日期为 ISO 8601。成员只会增加，不会减少。
"""

# name -> (what a reader sees, description)
TAGS = {
    "citizen": ("我的信用", "市民本人查看分数与理由，决定加入或退出。"),
    "rights": ("我的权利", "异议、人工复核、信用修复、本人说明与个人信息导出。"),
    "staff": ("信用办", "办理异议、复核与修复；会改变记录的决定须两人作出，每次查看都有记录。"),
    "public": ("公开信息", "评分规则、守信激励、信息目录与告知书；任何人可读，可缓存。"),
    "partner": ("合作方", "凭市民的同意询问能否享受守信激励；只得到“可以”或“暂不可以”。"),
    "machines": ("运行", "供运维与程序使用的存活、就绪与计数。"),
}


def about(version: str) -> dict[str, Any]:
    """The document's members besides paths and components. `version`: of the service."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "summary": SUMMARY,
            "description": DESCRIPTION,
            "contact": {"name": "信用办（示例）", "url": "https://chengxin.example/"},
        },
        "servers": [
            {
                "url": "/",
                "description": "提供本文档的服务（production 或 local，视部署而定）",
                "x-internal": False,
            }
        ],
        "tags": [
            {"name": name, "x-displayName": title, "description": text}
            for name, (title, text) in TAGS.items()
        ],
    }


def security_schemes() -> dict[str, Any]:
    return {
        BEARER_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "at+jwt",
            "description": "城市统一身份平台签发的访问令牌（RFC 9068，ES256）；"
            f"市民的授权范围为 `{CITIZEN_SCOPE}`。",
        }
    }
