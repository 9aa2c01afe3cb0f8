// The model of an explorer on a published page: it answers as a kernel's would, with the state kept in the page and the
// assets fetched from beside the modules. `kernel()` gives the module that answers questions in the kernel's place.

export class PageModel {
  page = true;
  #state;
  #listeners = new Map();
  #changed = new Set();
  #kernel;

  constructor(state, kernel) {
    this.#state = state;
    this.#kernel = kernel;
  }
  get(name) {
    return this.#state[name];
  }
  set(name, value) {
    if (this.#state[name] !== value) {
      this.#state[name] = value;
      this.#changed.add(name);
    }
  }
  // Tells the listeners once the changes are complete, as a kernel's model does for a view.
  save_changes() {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const name of changed) this.#tell(`change:${name}`);
    if (changed.length) this.#tell("change");
  }
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
  }
  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
  }
  async send(message, _callbacks, buffers = []) {
    if (message.ask) {
      try {
        const module = await this.#kernel();
        const { answer, buffers: parts } = await module.answer(message.ask, buffers);
        this.#tell("msg:custom", { id: message.id, answer }, parts);
      } catch (error) {
        this.#tell("msg:custom", { id: message.id, error: error.message ?? String(error) });
      }
      return;
    }
    const name = message.asset;
    try {
      const answer = await fetch(new URL(`assets/${name}`, import.meta.url));
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      this.#tell("msg:custom", { asset: name }, [new DataView(await answer.arrayBuffer())]);
    } catch (error) {
      this.#tell("msg:custom", { asset: name, error: String(error) });
    }
  }
  #tell(event, ...what) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...what);
  }
}
