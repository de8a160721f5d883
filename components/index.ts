// The library's only public face. Importing it creates nothing.
export * from "./accelerated-upload-bucket";
export * from "./api-gateway-logging";
export { StaticSite, type StaticSiteArgs } from "./static-site";
export { type ProgressPageWorkflow, progressPageUrl, publishProgressPage } from "./progress-page";
export * from "./progress-tracked-workflow";
export * from "./sign-in-user-pool";
export * from "./throttled-queue-consumer";
export { publishUploadPage } from "./upload-page";
