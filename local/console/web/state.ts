// What the server sends, as far as the page reads it. The type checker holds the server's ConsoleState to it, in console.ts.

/** A resource that is drawn. */
export interface TopologyNode {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly group: string;
  readonly arn: string;
  readonly id: string;
  readonly roleArn: string;
  readonly settings: readonly { readonly name: string; readonly type: string }[];
}

/** A box of the drawing. */
export interface Box {
  readonly urn: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One decision of IAM. */
export interface Decision {
  readonly allowed: boolean;
  readonly action: string;
  readonly resource: string;
  readonly reason: string;
}

/** One call. */
export interface TraceEvent {
  readonly id: string;
  readonly at: number;
  readonly durationMs: number;
  readonly caller: string;
  readonly service: string;
  readonly operation: string;
  readonly resource?: string;
  readonly status: number;
  readonly errorCode?: string;
  readonly decisions: readonly Decision[];
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

/** One log line. */
export interface LogLine {
  readonly sequence: number;
  readonly group: string;
  readonly stream: string;
  readonly timestamp: number;
  readonly message: string;
}

/** Everything that is loaded at first. */
export interface ConsoleState {
  readonly project: string;
  readonly stack: string;
  readonly endpoints: readonly { readonly label: string; readonly url: string; readonly page?: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  readonly topology: {
    readonly groups: readonly { readonly urn: string; readonly name: string; readonly type: string }[];
    readonly nodes: readonly TopologyNode[];
    readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[];
  };
  readonly layout: {
    readonly width: number;
    readonly height: number;
    readonly nodes: readonly Box[];
    readonly groups: readonly Box[];
    readonly edges: readonly {
      readonly from: string;
      readonly to: string;
      readonly points: readonly { readonly x: number; readonly y: number }[];
    }[];
  };
  readonly resources: readonly {
    readonly name: string;
    readonly type: string;
    readonly fidelity: string;
    readonly summary: string;
  }[];
  readonly traces: readonly TraceEvent[];
  readonly logs: readonly LogLine[];
}
