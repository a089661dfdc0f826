/* The score of invented records under the published rules (rules.json, the same as /v1/rules).
   Pure: rules, records and day in, score and explanation out. Days are ISO texts. */
(function (global) {
  "use strict";

  var DAY_MS = 86400000;

  function dayNumber(iso) {
    var parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso);
    if (!parts) throw new RangeError("not a day: " + iso);
    return Date.UTC(+parts[1], +parts[2] - 1, +parts[3]) / DAY_MS;
  }

  function isoDay(number) {
    return new Date(number * DAY_MS).toISOString().slice(0, 10);
  }

  /* Points of one record before the cap; null where its measure is below the first step. */
  function pointsOf(rule, measure) {
    if (!Array.isArray(rule.points)) return rule.points;
    var best = null;
    rule.points.forEach(function (step) {
      if (step.at_least <= measure && (best === null || step.at_least > best.at_least)) best = step;
    });
    return best === null ? null : best.points;
  }

  function ruleFor(rules, record) {
    return rules.rules.find(function (rule) {
      var isAbout = rule.kind === record.kind && rule.outcome === record.outcome;
      return isAbout && pointsOf(rule, record.measure) !== null;
    });
  }

  function newestFirst(a, b) {
    return b.day - a.day || a.number - b.number;
  }

  /* records: {kind, outcome, measure, happened_on, state}; state: null, disputed, repaired, removed.
     Of records of one day the one that stands first is first granted its points. */
  function score(rules, records, asOf) {
    var today = dayNumber(asOf);
    var left = {};
    rules.rules.forEach(function (rule) { left[rule.id] = Math.abs(rule.cap); });
    var items = records
      .map(function (record, number) {
        return { record: record, number: number, day: dayNumber(record.happened_on) };
      })
      .filter(function (item) { return item.record.state !== "removed" && item.day <= today; })
      .sort(newestFirst)
      .map(function (item) { return judged(rules, item, today, left); });
    var total = items.reduce(function (sum, item) { return sum + item.points; }, rules.base);
    var band = rules.bands.find(function (each) { return each.from <= total && total <= each.to; });
    return { score: total, base: rules.base, band: band, items: items };
  }

  function judged(rules, item, today, left) {
    var rule = ruleFor(rules, item.record);
    var expires = rule ? item.day + rule.validity_days : null;
    var status = item.record.state || "counted";
    var points = 0;
    if (status === "counted" && !rule) status = "no_rule";
    if (status === "counted" && today >= expires) status = "expired";
    if (status === "counted") {
      var wanted = pointsOf(rule, item.record.measure);
      var granted = Math.min(Math.abs(wanted), left[rule.id]);
      left[rule.id] -= granted;
      points = wanted > 0 ? granted : -granted;
      if (wanted !== 0 && granted === 0) status = "capped";
    }
    return {
      number: item.number,
      rule_id: rule ? rule.id : null,
      rule_name: rule ? rule.name : null,
      points: points === 0 ? 0 : points,
      status: status,
      happened_on: item.record.happened_on,
      expires_on: expires === null ? null : isoDay(expires),
    };
  }

  global.ChengxinSimulator = { score: score, pointsOf: pointsOf };
})(globalThis);
