// What the desk calls things: types of cases, where they stand, what may become of them.
export const TYPES = {
  disputes: {
    name: "异议",
    outcomes: [["upheld", "异议成立，移除记录"], ["rejected", "记录无误"], ["undecided", "无法确认，载明双方意见"]],
  },
  repairs: { name: "信用修复", outcomes: [["granted", "准予修复"], ["refused", "不准予修复"]] },
  reviews: { name: "人工复核", outcomes: [["confirmed", "结果不变"], ["corrected", "更正结果"]] },
};

// Outcomes that change a record: the first person proposes, a second one agrees.
export const TWO_PEOPLE = new Set(["upheld", "granted"]);

export const WANTED = [["waiting", "待办"], ["open", "待经办"], ["proposed", "待复核"], ["decided", "已办结"]];

export const STATES = { open: "待经办", proposed: "待复核", decided: "已办结" };

const OF_OUTCOME = new Map(Object.values(TYPES).flatMap(({ outcomes }) => outcomes));
export const outcomeWords = (outcome) => OF_OUTCOME.get(outcome) ?? outcome ?? "";

export const CLASSES = { minor: "轻微", general: "一般", serious: "严重" };

export const REVIEWED = { score: "信用分", decision: "一次询问的答复" };
