// Entry of the component plug-in for other languages: the library, and not the Pulumi program beside it.
export * from "../components";
