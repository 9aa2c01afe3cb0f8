// Makes a quiz of the questions of a page: a choice or a number is checked, and answered with what the folded answer
// says about it; after a wrong one that can be unfolded. Without this module it always can.

/** The number that a reader wrote, with commas between thousands or one as the decimal sign; NaN if it is none. */
export function number(text) {
  const bare = text.replace(/[\s\u2009\u202f]/g, "").replace("−", "-");
  const thousands = /^-?\d{1,3}(,\d{3})+(\.\d*)?$/.test(bare);
  const plain = thousands ? bare.replaceAll(",", "") : bare.replace(",", ".");
  return /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** What the folded answer says about a number or a choice; an unforeseen number is answered by the verdict on "". */
export function verdict(form, given) {
  const verdicts = [...form.querySelectorAll(".quiz-verdict")];
  if (form.dataset.tolerance === undefined) return verdicts.find((said) => said.dataset.for === given);
  // Half a unit more of the last digit that a double holds is no other answer.
  const near = (said, within) => Math.abs(number(said.dataset.for) - number(given)) <= within * (1 + 1e-9);
  const right = verdicts.find((said) => said.dataset.right);
  if (near(right, Number(form.dataset.tolerance))) return right;
  const close = (said) => said.dataset.for !== "" && near(said, Math.abs(number(said.dataset.for)) * 0.002);
  return (
    verdicts.find((said) => !said.dataset.right && close(said)) ?? verdicts.find((said) => said.dataset.for === "")
  );
}

function prepare(form, changed) {
  const folded = form.querySelector("details");
  const said = form.querySelector(".quiz-said");
  const button = form.querySelector("button");
  const field = form.querySelector("input[type=text]");
  button.hidden = button.disabled = false;
  folded.hidden = true;

  const forget = () => {
    said.replaceChildren();
    delete form.dataset.answer;
    folded.hidden = true;
    field?.setCustomValidity("");
    changed();
  };
  form.addEventListener("input", forget);
  button.addEventListener("click", () => {
    const unread = field?.value && Number.isNaN(number(field.value));
    field?.setCustomValidity(unread ? "Write a number, such as 1,234 or 0.5." : "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = field ? field.value : form.querySelector("input:checked").value;
    const answer = verdict(form, given);
    form.dataset.answer = answer.dataset.right ? "right" : "wrong";
    const copy = answer.cloneNode(true);
    copy.hidden = false;
    copy.querySelector(".quiz-repeat")?.remove();
    said.replaceChildren(copy, form.querySelector(".quiz-explanation").cloneNode(true));
    folded.hidden = answer.dataset.right === "true";
    changed();
  });
}

/** Prepares every question of a quiz and keeps count below them. */
export function start(quiz) {
  const forms = [...quiz.querySelectorAll("form")];
  const count = quiz.querySelector(".quiz-count");
  const changed = () => {
    const answered = forms.filter((form) => form.dataset.answer).length;
    const right = forms.filter((form) => form.dataset.answer === "right").length;
    const words = answered ? `${right} of ${forms.length} right.` : "";
    if (count.textContent !== words) count.textContent = words;
  };
  for (const form of forms) prepare(form, changed);
}

for (const quiz of document.querySelectorAll(".quiz")) start(quiz);
