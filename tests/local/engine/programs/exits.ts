// Ends its process in the middle.
console.error("giving up");
process.exit(7);
