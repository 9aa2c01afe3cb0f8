import assert from "node:assert/strict";
import test from "node:test";
import { enter, text } from "./setup.mjs";

const { number, start, verdict } = await import("../../assets/js/quiz.mjs");

const said = (key, words, right = "") =>
  `<div class="quiz-verdict" data-for="${key}"${right}><p class="quiz-repeat">${key}</p><p>${words}</p></div>`;
const form = (attributes, inputs, verdicts) => `<form class="quiz-question"${attributes}>
  <fieldset><legend>?</legend>${inputs}</fieldset>
  <p><button type="submit" hidden disabled>Check</button></p>
  <div class="quiz-said" role="status"></div>
  <details><summary>Answer</summary>${verdicts}<div class="quiz-explanation">Because.</div></details></form>`;
const RIGHT = ' data-right="true"';
const QUIZ = `<div class="quiz">
  ${form(
    "",
    '<input type="radio" name="a" value="0" required><input type="radio" name="a" value="1" required>',
    said("1", "Right.", RIGHT) + said("0", "Not zero."),
  )}
  ${form(
    ' data-tolerance="0.5"',
    '<input type="text" name="b" required>',
    said("1234.5", "Right.", RIGHT) + said("2469", "Twice.") + said("", "No."),
  )}
  <p class="quiz-count" role="status"></p></div>`;

function drawn() {
  document.body.innerHTML = QUIZ;
  const quiz = document.querySelector(".quiz");
  start(quiz);
  const [choice, field] = quiz.querySelectorAll("form");
  const parts = (of) => ({
    form: of,
    said: of.querySelector(".quiz-said"),
    button: of.querySelector("button"),
    folded: of.querySelector("details"),
  });
  return { choice: parts(choice), field: parts(field), count: quiz.querySelector(".quiz-count") };
}

const write = ({ form, button }, value) => {
  enter(form.querySelector("input"), value);
  button.click();
};
const choose = ({ form, button }, place) => {
  form.querySelectorAll("input")[place].click();
  button.click();
};

test("numbers as readers write them", () => {
  for (const [written, value] of [
    ["34944", 34944],
    ["60,965,224", 60965224],
    [" 60 965 224 ", 60965224],
    ["1,234.5", 1234.5],
    ["0,5", 0.5],
    [".5", 0.5],
    ["−3", -3],
    ["2e-5", 2e-5],
  ]) {
    assert.equal(number(written), value, written);
  }
  for (const written of ["", "five", "5 %", "1,2,3", "--1", "0x10"]) assert.ok(Number.isNaN(number(written)), written);
});

test("a form is ready, and its answer folded away", () => {
  for (const { button, folded } of [drawn().choice, drawn().field]) {
    assert.deepEqual([button.hidden, button.disabled, folded.hidden], [false, false, true]);
  }
});

test("a choice is answered with its own words and the explanation, and a change takes them back", () => {
  const { choice, count } = drawn();
  choose(choice, 0);
  assert.equal(text(choice.said), "Not zero.Because.");
  assert.deepEqual([choice.form.dataset.answer, choice.folded.hidden], ["wrong", false]);
  assert.equal(count.textContent, "0 of 2 right.");
  choice.form.querySelectorAll("input")[1].click();
  assert.deepEqual([text(choice.said), count.textContent, choice.folded.hidden], ["", "", true]);
  choice.button.click();
  assert.equal(text(choice.said), "Right.Because.");
  assert.deepEqual([choice.form.dataset.answer, choice.folded.hidden], ["right", true]);
  assert.equal(count.textContent, "1 of 2 right.");
});

test("a number is right within its tolerance, answered as foreseen, or just wrong", () => {
  const { field } = drawn();
  for (const [written, words] of [
    ["1,235", "Right."],
    ["1234", "Right."],
    ["1233.9", "No."],
    ["2470", "Twice."],
    ["7", "No."],
  ]) {
    write(field, written);
    assert.equal(text(field.said), `${words}Because.`, written);
  }
});

test("a foreseen number is recognised when it is rounded, not when it is another", () => {
  const { field } = drawn();
  assert.equal(text(verdict(field.form, "2465").querySelector("p:last-child")), "Twice.");
  assert.equal(text(verdict(field.form, "2450")), "No.");
});

test("nothing is said to what is no number, or to no answer", () => {
  const { choice, field, count } = drawn();
  write(field, "many");
  assert.equal(field.form.querySelector("input").validationMessage.slice(0, 5), "Write");
  choice.button.click();
  assert.deepEqual([text(field.said), text(choice.said), count.textContent], ["", "", ""]);
  write(field, "2469");
  assert.equal(text(field.said), "Twice.Because.");
});
