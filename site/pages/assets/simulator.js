/* The simulator's page: loads the published rules once, then asks nobody and sends nothing. */
(function () {
  "use strict";

  var root = document.getElementById("simulator");
  if (!root) return;
  var STATUS = {
    counted: "计入", capped: "已到上限，不再增减", expired: "已过有效期",
    disputed: "异议中，不计分", repaired: "已修复，不计分", no_rule: "没有规则对此计分"
  };
  var LEVELS = { 1: "市级", 2: "省级", 3: "国家级" };
  var MOST = 99;
  var rules = null;
  var controls = 0;

  function make(tag, text, className) {
    var node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  }

  function labelled(words, control) {
    var field = make("span", undefined, "simulator__field");
    var label = make("label", words);
    control.id = "simulator-" + (controls += 1);
    label.htmlFor = control.id;
    field.append(label, control);
    return field;
  }

  function signed(points) {
    return points > 0 ? "+" + points : points < 0 ? "−" + -points : "0";
  }

  function today() {
    var now = new Date();
    return new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  }

  function dayInput(value) {
    var input = make("input");
    input.type = "date";
    input.required = true;
    input.value = value;
    return input;
  }

  function measureSelect(rule) {
    var select = make("select");
    rule.points.forEach(function (step, at) {
      var next = rule.points[at + 1];
      var days = next ? step.at_least + "–" + (next.at_least - 1) + " 天" : step.at_least + " 天及以上";
      var words = rule.measure === "honour_level" ? LEVELS[step.at_least] || step.at_least : days;
      var option = make("option", words + "（" + signed(step.points) + "）");
      option.value = step.at_least;
      select.append(option);
    });
    return select;
  }

  function addRow() {
    var row = make("fieldset", undefined, "simulator__row");
    var kind = make("select");
    rules.rules.forEach(function (rule, at) {
      var option = make("option", rule.name);
      option.value = at;
      kind.append(option);
    });
    var count = make("input");
    count.type = "number";
    count.min = 1;
    count.max = MOST;
    count.value = 1;
    var day = dayInput(asOf.value);
    var measure = make("span");
    var remove = make("button", "去掉");
    remove.type = "button";
    remove.addEventListener("click", function () {
      row.remove();
      add.focus(); // otherwise a keyboard starts again at the top of the page
      show();
    });

    function chosen() { return rules.rules[kind.value]; }
    function fitMeasure() {
      var steps = Array.isArray(chosen().points);
      measure.replaceChildren();
      if (steps) {
        var words = chosen().measure === "honour_level" ? "级别" : "逾期";
        measure.append(labelled(words, measureSelect(chosen())));
      }
    }
    kind.addEventListener("change", fitMeasure);
    row.records = function () {
      var select = measure.querySelector("select");
      var one = {
        kind: chosen().kind, outcome: chosen().outcome,
        measure: select ? Number(select.value) : 0,
        happened_on: day.value, state: null
      };
      var times = Math.min(MOST, Math.max(1, Math.floor(Number(count.value)) || 1));
      return day.value ? Array(times).fill(one) : [];
    };
    fitMeasure();
    row.append(
      make("legend", "记录"), labelled("种类", kind), measure,
      labelled("几条", count), labelled("发生日", day), remove
    );
    rows.append(row);
    show();
  }

  function show() {
    if (!rules || !asOf.value) return;
    var records = [].concat.apply([], Array.from(rows.children, function (row) { return row.records(); }));
    var found = globalThis.ChengxinSimulator.score(rules, records, asOf.value);
    total.textContent = found.score + " 分 · " + found.band.name;
    bill.replaceChildren(line("基础分", "", String(found.base)));
    found.items.forEach(function (item) {
      var words = item.happened_on + " · " + STATUS[item.status];
      if (item.expires_on && item.status !== "expired") words += " · " + item.expires_on + " 到期";
      bill.append(line(item.rule_name || "—", words, signed(item.points)));
    });
  }

  function line(what, words, points) {
    var row = make("tr");
    var head = make("th", what);
    head.scope = "row";
    row.append(head, make("td", words), make("td", points, "num"));
    return row;
  }

  var asOf = dayInput(today());
  var rows = make("div");
  var add = make("button", "再加一条记录", "md-button");
  add.type = "button";
  var total = make("output", "", "simulator__total");
  total.setAttribute("aria-live", "polite");
  var bill = make("tbody");

  function start(loaded) {
    rules = loaded;
    var table = make("table", undefined, "data");
    table.append(make("caption", "逐条说明"), bill);
    root.replaceChildren(labelled("算到哪一天", asOf), rows, add, make("h2", "结果"), total, table);
    root.addEventListener("input", show);
    add.addEventListener("click", addRow);
    addRow();
  }

  fetch(root.dataset.rules)
    .then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    })
    .then(start)
    .catch(function () {
      root.textContent = "规则文件没有载入。请稍后刷新本页，或者对照评分规则用纸笔计算。";
    });
})();
