// What the rest of the embedded cloud uses of the gateway.
export { type Protocol, protocolOf, renderError, type RenderedError } from "./errors";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway";
export { type RequestToSign, signRequest } from "./sign";
