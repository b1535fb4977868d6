import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower } from "../src/follower";

/** An element 100 pixels high whose content is `height` high. */
function scroller(height: number): { element: HTMLElement; grow: (by: number) => void; shrink: (by: number) => void; scroll: (top: number) => void } {
  const element = document.createElement("div");
  let top = 0;
  let seen = 100;
  const limited = (to: number): number => Math.max(0, Math.min(to, height - seen));
  Object.defineProperties(element, {
    clientWidth: { get: () => 300 },
    clientHeight: { get: () => seen },
    scrollHeight: { get: () => height },
    scrollTop: { get: () => top, set: (to: number) => (top = limited(to)) },
  });
  return {
    element,
    grow: (by) => (height += by),
    shrink: (by) => (seen -= by),
    scroll: (to) => {
      top = limited(to);
      element.dispatchEvent(new Event("scroll"));
    },
  };
}

function following(height = 500): ReturnType<typeof scroller> & { follower: Follower; changes: () => number } {
  const all = scroller(height);
  let changes = 0;
  const follower = new Follower(all.element, document.createElement("div"), () => (changes += 1));
  follower.keep();
  return { ...all, follower, changes: () => changes };
}

test("it begins at the end, and stays there while content grows", () => {
  const { element, grow, follower } = following();
  assert.equal(element.scrollTop, 400);
  grow(70);
  follower.keep();
  assert.equal(element.scrollTop, 470);
});

test("content that grows between two looks does not end following", () => {
  const { element, grow, follower, scroll } = following();
  grow(200);
  scroll(element.scrollTop);
  assert.equal(follower.following, true);
});

test("going up ends following, and the place is left alone", () => {
  const { element, grow, follower, scroll, changes } = following();
  scroll(300);
  assert.deepEqual([follower.following, changes()], [false, 1]);
  grow(100);
  follower.keep();
  assert.equal(element.scrollTop, 300);
});

test("within 40 pixels of the end one is there", () => {
  const { follower, scroll } = following();
  scroll(359);
  assert.equal(follower.following, false);
  scroll(360);
  assert.equal(follower.following, true);
});

test("one can go to the end at once", () => {
  const { element, follower, scroll } = following();
  scroll(0);
  follower.toEnd();
  assert.deepEqual([element.scrollTop, follower.following], [400, true]);
});

test("a window that shrinks keeps the end, whatever the browser scrolls meanwhile", () => {
  const { element, follower, scroll, grow, shrink, changes } = following();
  shrink(50);
  grow(200);
  scroll(380);
  assert.deepEqual([element.scrollTop, follower.following, changes()], [650, true, 0]);
  scroll(500);
  shrink(10);
  scroll(490);
  assert.deepEqual([element.scrollTop, follower.following], [490, false]);
});

test("what is brought into sight stays there, however near the end it is, until one goes back", () => {
  const { element, grow, follower, scroll } = following();
  const message = { scrollIntoView: () => (element.scrollTop = 380) } as unknown as Element;
  follower.bring(message, "center");
  scroll(380);
  grow(50);
  follower.keep();
  assert.deepEqual([element.scrollTop, follower.following], [380, false]);
  scroll(440);
  assert.equal(follower.following, true);
});

test("what is in sight at the end is no reason to leave it", () => {
  const { element, grow, follower } = following();
  grow(50);
  follower.bring({ scrollIntoView: () => {} } as unknown as Element, "nearest");
  assert.deepEqual([element.scrollTop, follower.following], [450, true]);
});

test("who scrolls up to the beginning is noticed there, and not on the way down", () => {
  const all = scroller(2_000);
  let asked = 0;
  const follower = new Follower(all.element, document.createElement("div"), () => {}, () => (asked += 1));
  follower.keep();
  all.scroll(1_000);
  assert.equal(asked, 0);
  all.scroll(100);
  assert.equal(asked, 1);
  all.scroll(200);
  assert.equal(asked, 1);
});

test("who scrolls up is noticed also where there is a look before the browser tells of it", () => {
  const all = scroller(2_000);
  let asked = 0;
  const follower = new Follower(all.element, document.createElement("div"), () => {}, () => (asked += 1));
  follower.keep();
  all.scroll(1_000);
  all.element.scrollTop = 100;
  follower.keep();
  all.element.dispatchEvent(new Event("scroll"));
  assert.equal(asked, 1);
});
