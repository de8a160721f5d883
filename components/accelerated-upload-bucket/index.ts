// Public face of the component.
export * from "./args";
export { AcceleratedUploadBucket } from "./component";
