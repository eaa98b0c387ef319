import type { GardenKind } from "./server.ts";
import { APACHE } from "./server-apache.ts";
import { CADDY } from "./server-caddy.ts";
import { HAPROXY } from "./server-haproxy.ts";
import { NGINX } from "./server-nginx.ts";
import { TRAFFIC_SERVER } from "./server-traffic-server.ts";
import { VARNISH } from "./server-varnish.ts";

export const GARDEN: readonly GardenKind[] = [NGINX, HAPROXY, APACHE, VARNISH, TRAFFIC_SERVER, CADDY];
