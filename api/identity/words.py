"""What the log-in page says. Chinese, for citizens; a persona's own `name` goes before these."""

PERSONA_WORDS = {
    "new": ("刚刚加入的市民", "加入后大约一分钟就有分数"),
    "unenrolled": ("尚未加入的市民", "没有同意加入，不计分"),
    "rich": ("记录较多的市民", "承诺、合同与荣誉记录都有"),
    "disputed": ("正在提出异议的市民", "有一条记录异议中，暂不计分"),
    "repaired": ("完成信用修复的市民", "修复后的记录不再计分"),
    "under": ("略低于一项优惠条件的市民", "分数在条件之下"),
    "over": ("略高于一项优惠条件的市民", "分数在条件之上"),
    "minor": ("未成年人", "按规定不能加入"),
    "withdrawn": ("已退出的市民", "退出后不再计分"),
    "expiring": ("有记录即将到期的市民", "到期当日起不再计分"),
}

SCOPE_WORDS = {
    "citizen": "您本人的信用信息（不含姓名和身份证号）",
    "staff": "工作人员身份",
    "staff:officer": "案件经办",
    "staff:reviewer": "案件复核",
}

STAFF_WORDS = "工作人员"

REFUSALS = {
    "unknown client": "请求登录的应用没有登记。",
    "redirect URI is not registered": "登录后要返回的地址没有登记。",
    "page is used or expired": "这个登录页已经使用过或已过期，请回到应用重新登录。",
    "malformed": "登录请求的格式不正确。",
    "foreign form": "登录请求来自其他网站，已拒绝。",
}
