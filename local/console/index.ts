// The console: what runs, who calls whom, what happened.
export { startConsole, type ConsoleOptions, type ConsoleState } from "./console";
