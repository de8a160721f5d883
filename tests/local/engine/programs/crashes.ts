// Throws from a timer, outside of any promise.
setTimeout(() => {
  throw new Error("boom in timer");
}, 5);
