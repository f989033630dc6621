// Clean-up in the reverse order of set-up: node's own `test.after` goes forwards, and would end a server before the page
// that still asks it.
const clean_ups = new WeakMap();

export function clean_up_after(test, clean_up) {
  if (clean_ups.has(test)) {
    clean_ups.get(test).push(clean_up);
    return;
  }
  const all = [clean_up];
  clean_ups.set(test, all);
  test.after(async () => {
    const faults = [];
    for (const each of all.reverse()) {
      try {
        await each(); // one that fails keeps no other from cleaning up
      } catch (fault) {
        faults.push(fault);
      }
    }
    if (faults.length > 0) throw faults[0];
  });
}
