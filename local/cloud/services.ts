// All services of the embedded cloud, in the order in which they start; they stop in reverse.
import { createApiGatewayService } from "./apigateway/service";
import { createWebSocketService, type WebSocketService } from "./apigatewayv2/service";
import type { SimulatedFunction } from "./cloud";
import { createCloudFrontService } from "./cloudfront/service";
import { createCognitoService } from "./cognito/service";
import type { CognitoControl } from "./cognito/service";
import type {
  CloudContext,
  EventPublisher,
  FunctionInvoker,
  LogStore,
  MetricStore,
  Service,
  TokenVerifier,
} from "./core/service";
import { createDynamoDbService } from "./dynamodb/service";
import { createEventsService } from "./events/service";
import { createIamService, createStsService } from "./iam";
import type { LocalAccessControl } from "./iam";
import { createLambdaService } from "./lambda/service";
import { createLogsService } from "./logs/service";
import { createMonitoringService } from "./monitoring/service";
import { createRecordedService } from "./recorded/service";
import { createS3Service } from "./s3/service";
import { createStatesService, type StatesService } from "./states/service";
import { createSqsService } from "./sqs/service";
import type { SqsService } from "./sqs/service";

/** The services of one run, and those among them that others ask for by role. */
export interface CloudServices {
  readonly all: readonly Service[];
  readonly functions: FunctionInvoker;
  readonly events: EventPublisher;
  readonly logs: LogStore;
  readonly metrics: MetricStore;
  readonly tokens: TokenVerifier;
  readonly userPools: CognitoControl;
  readonly queues: SqsService;
  readonly sockets: WebSocketService;
  readonly states: StatesService;
}

/** Creates all services. Add a new one here. @param simulateFunction stands for all functions. */
export function createServices(
  context: CloudContext,
  access: LocalAccessControl,
  simulateFunction?: SimulatedFunction,
): CloudServices {
  const logs = createLogsService(context);
  const metrics = createMonitoringService(context);
  const events = createEventsService(context);
  const functions = createLambdaService(context, simulateFunction ? { simulateFunction } : {});
  const cognito = createCognitoService(context);
  const sockets = createWebSocketService(context);
  const states = createStatesService(context);
  const queues = createSqsService(context);
  const all = [
    createIamService(context, access),
    createStsService(access),
    logs,
    metrics,
    createS3Service(context),
    createDynamoDbService(context),
    events,
    queues,
    functions,
    createApiGatewayService(context),
    sockets,
    states,
    cognito,
    createCloudFrontService(context),
    createRecordedService(context),
  ];
  return { all, functions, events, logs, metrics, tokens: cognito, userPools: cognito, queues, sockets, states };
}
