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
    readonly edges: readonly {
      readonly from: string;
      readonly to: string;
      readonly label: string;
      /** UUID of the event source mapping that this edge is. */
      readonly mapping?: string;
    }[];
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

/** Everything that changes by the second: the page asks for it while somebody looks. */
export interface LiveState {
  /** Milliseconds since the epoch, on the cloud's clock. */
  readonly now: number;
  /** How many alarms are in ALARM. */
  readonly inAlarm: number;
  /** What the section that is shown needs. */
  readonly mappings?: readonly MappingView[];
  readonly dashboards?: readonly DashboardView[];
  readonly alarms?: readonly AlarmView[];
  readonly queues?: readonly QueueView[];
  readonly moveTasks?: readonly MoveTaskView[];
  readonly workflows?: WorkflowsView;
}

/** A dashboard. */
export interface DashboardView {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly widgets: readonly WidgetView[];
}

/** Where a widget stands, in columns and rows. */
export interface WidgetFrame {
  /** Left out together with `y`: the page finds a place. */
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
}

/** A widget with what it shows. */
export type WidgetView = WidgetFrame & (ChartWidget | TextWidget | AlarmWidget | MissingWidget);

/** A widget of metrics. */
export interface ChartWidget {
  readonly kind: "metric";
  readonly view: "timeSeries" | "bar" | "singleValue" | "gauge";
  readonly stacked: boolean;
  readonly legend: "bottom" | "right" | "hidden";
  readonly sparkline: boolean;
  readonly series: readonly SeriesView[];
  readonly annotations: readonly AnnotationView[];
  readonly left: AxisView;
  readonly right: AxisView;
  /** Why a part of it has no data: what the local run does not simulate. */
  readonly problems: readonly string[];
}

/** A text in Markdown. */
export interface TextWidget {
  readonly kind: "text";
  readonly markdown: string;
}

/** States of alarms. */
export interface AlarmWidget {
  readonly kind: "alarm";
  readonly alarms: readonly { readonly name: string; readonly state: string; readonly reason: string }[];
}

/** What the local run does not simulate. */
export interface MissingWidget {
  readonly kind: "not-simulated";
  readonly reason: string;
}

/** A line of a chart. */
export interface SeriesView {
  readonly id: string;
  readonly label: string;
  readonly color?: string;
  readonly axis: "left" | "right";
  readonly stat: string;
  readonly periodSeconds: number;
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

/** A horizontal line of a chart. */
export interface AnnotationView {
  readonly label: string;
  readonly value: number;
  readonly color?: string;
  readonly axis: "left" | "right";
}

/** Wishes for an axis. */
export interface AxisView {
  readonly min?: number;
  readonly max?: number;
  readonly label?: string;
}

/** An alarm. */
export interface AlarmView {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  /** Since when, in milliseconds since the epoch; undefined before the first evaluation that changed it. */
  readonly since?: number;
  /** "Errors, Sum of 1 min > 3, 2 of 3 periods" */
  readonly condition: string;
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** Latest first. */
  readonly history: readonly {
    readonly at: number;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  }[];
}

/** A queue. */
export interface QueueView {
  readonly name: string;
  readonly arn: string;
  readonly fifo: boolean;
  readonly visible: number;
  readonly notVisible: number;
  readonly delayed: number;
  readonly oldestAgeMs: number;
  readonly maxReceiveCount?: number;
  readonly deadLetterQueue?: { readonly name: string; readonly visible: number };
  /** Names of the queues whose dead-letter queue it is. */
  readonly deadLettersOf: readonly string[];
  readonly mappings: readonly MappingView[];
}

/** An event source mapping. */
export interface MappingView {
  readonly uuid: string;
  readonly functionName: string;
  readonly enabled: boolean;
  readonly concurrency: number;
  readonly limit: number;
  readonly lastProcessingResult: string;
}

/** A message move task. */
export interface MoveTaskView {
  readonly source: string;
  readonly destination: string;
  readonly status: string;
  readonly moved: number;
  readonly toMove: number;
  readonly maxMessagesPerSecond?: number;
  readonly failureReason?: string;
  readonly startedAt: number;
}

/** State machines and the connections that are open. */
export interface WorkflowsView {
  readonly machines: readonly { readonly arn: string; readonly name: string }[];
  /** Undefined in a program without state machines. */
  readonly shown?: ShownMachine;
  /** Latest first. */
  readonly connections: readonly ConnectionView[];
}

/** The state machine that is shown. */
export interface ShownMachine {
  readonly arn: string;
  readonly name: string;
  readonly graph: WorkflowGraph;
  readonly executionCount: number;
  /** Newest first; the oldest may be missing. */
  readonly executions: readonly ExecutionRow[];
  readonly execution?: ExecutionView;
}

/** The drawing of a definition, in pixels. */
export interface WorkflowGraph {
  readonly width: number;
  readonly height: number;
  /** Containers before what they contain. */
  readonly states: readonly WorkflowState[];
  readonly edges: readonly WorkflowEdge[];
}

/** A state. */
export interface WorkflowState {
  readonly name: string;
  readonly type: string;
  /** Its name as it fits the box. */
  readonly shown: string;
  /** "Task · lambda:invoke" */
  readonly kind: string;
  /** 0 for states of the machine itself. */
  readonly depth: number;
  /** It only reports progress. */
  readonly woven: boolean;
  readonly ends: boolean;
  readonly container: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A transition. */
export interface WorkflowEdge {
  /** Empty for the start of a sequence. */
  readonly from: string;
  readonly to: string;
  readonly kind: "start" | "next" | "choice" | "catch";
  /** Path data, to be moved by `dx` and `dy`. */
  readonly path: string;
  readonly dx: number;
  readonly dy: number;
  /** The whole label. */
  readonly title: string;
  readonly label?: string;
  /** Middle of the label's baseline. */
  readonly at?: { readonly x: number; readonly y: number };
}

/** An execution in the list. */
export interface ExecutionRow {
  readonly arn: string;
  readonly name: string;
  readonly status: string;
  readonly startedAt: number;
  readonly stoppedAt?: number;
  readonly error?: string;
}

/** The execution that is shown. Texts are JSON, without secrets, and may be cut. */
export interface ExecutionView extends ExecutionRow {
  readonly redriveCount: number;
  readonly cause?: string;
  readonly input: string;
  readonly output?: string;
  /** States that were reached. */
  readonly states: readonly StateProgress[];
  /** Transitions that were taken: "from>to". */
  readonly taken: readonly string[];
  readonly eventCount: number;
  /** Events that the page does not have. */
  readonly events: readonly EventView[];
}

/** What an execution did with a state. */
export interface StateProgress {
  readonly name: string;
  readonly status: "running" | "succeeded" | "failed" | "caught" | "stopped";
  readonly visits: number;
  /** Most attempts of one visit; 0 for states that call nothing. */
  readonly attempts: number;
  readonly error?: string;
  /** Items of a Map. */
  readonly items?: { readonly total: number; readonly done: number; readonly failed: number };
}

/** A history event. */
export interface EventView {
  readonly id: number;
  readonly at: number;
  readonly type: string;
  /** Empty for events of the execution itself. */
  readonly state: string;
  /** It belongs to a state that only reports progress. */
  readonly woven: boolean;
  readonly details?: string;
}

/** An open connection of a WebSocket API. */
export interface ConnectionView {
  readonly id: string;
  /** "<name of the API>/<stage>" */
  readonly api: string;
  readonly connectedAt: number;
  readonly lastActiveAt: number;
  /** What the authorizer calls its owner. */
  readonly owner?: string;
}
