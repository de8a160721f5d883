// Exports what the program sees of its process.
export const names = Object.keys(process.env);
export const cwd = process.cwd();
export const pid = process.pid;
