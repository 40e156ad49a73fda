/**
 * @module The parameter types of npm `cloudflare` that the double holds calls to. `npm run api:schemas` turns each into a JSON Schema; what
 * isn't named here no route can ask for.
 */
import type { AccountListParams } from 'cloudflare/resources/accounts/accounts';
import type { TieredCachingEditParams } from 'cloudflare/resources/argo/tiered-caching';
import type { SmartTieredCacheEditParams } from 'cloudflare/resources/cache/smart-tiered-cache';
import type { HostnameAssociationUpdateParams } from 'cloudflare/resources/certificate-authorities/hostname-associations';
import type { RecordListParams } from 'cloudflare/resources/dns/records';
import type { ManagedTransformEditParams } from 'cloudflare/resources/managed-transforms/managed-transforms';
import type { MTLSCertificateCreateParams } from 'cloudflare/resources/mtls-certificates/mtls-certificates';
import type { BucketCreateParams, BucketListParams } from 'cloudflare/resources/r2/buckets/buckets';
import type { CustomCreateParams, CustomUpdateParams } from 'cloudflare/resources/r2/buckets/domains/custom';
import type { ManagedUpdateParams } from 'cloudflare/resources/r2/buckets/domains/managed';
import type { LifecycleUpdateParams } from 'cloudflare/resources/r2/buckets/lifecycle';
import type { LockUpdateParams } from 'cloudflare/resources/r2/buckets/locks';
import type {
  RulesetCreateParams,
  RulesetListParams,
  RulesetUpdateParams,
} from 'cloudflare/resources/rulesets/rulesets';
import type { RuleCreateParams, RuleEditParams } from 'cloudflare/resources/rulesets/rules';
import type { ObjectListParams } from 'cloudflare/resources/r2/buckets/objects';
import type { PhaseUpdateParams } from 'cloudflare/resources/rulesets/phases';
import type { DomainListParams, DomainUpdateParams } from 'cloudflare/resources/workers/domains';
import type { RouteCreateParams, RouteUpdateParams } from 'cloudflare/resources/workers/routes';
import type { DeploymentCreateParams, DeploymentListParams } from 'cloudflare/resources/workers/scripts/deployments';
import type { ScheduleUpdateParams } from 'cloudflare/resources/workers/scripts/schedules';
import type {
  ScriptDeleteParams,
  ScriptListParams,
  ScriptUpdateParams,
} from 'cloudflare/resources/workers/scripts/scripts';
import type { SecretBulkUpdateParams, SecretUpdateParams } from 'cloudflare/resources/workers/scripts/secrets';
import type { SettingEditParams } from 'cloudflare/resources/workers/scripts/settings';
import type { SubdomainCreateParams } from 'cloudflare/resources/workers/scripts/subdomain';
import type { VersionListParams } from 'cloudflare/resources/workers/scripts/versions';
import type {
  ApplicationCreateParams,
  ApplicationListParams,
  ApplicationUpdateParams,
} from 'cloudflare/resources/zero-trust/access/applications/applications';
import type {
  CertificateCreateParams,
  CertificateUpdateParams,
} from 'cloudflare/resources/zero-trust/access/certificates/certificates';
import type { SettingUpdateParams } from 'cloudflare/resources/zero-trust/access/certificates/settings';
import type {
  PolicyCreateParams,
  PolicyListParams,
  PolicyUpdateParams,
} from 'cloudflare/resources/zero-trust/access/policies';
import type {
  ServiceTokenCreateParams,
  ServiceTokenListParams,
  ServiceTokenRotateParams,
  ServiceTokenUpdateParams,
} from 'cloudflare/resources/zero-trust/access/service-tokens';
import type { IdentityProviderListParams } from 'cloudflare/resources/zero-trust/identity-providers/identity-providers';
import type { ZoneListParams } from 'cloudflare/resources/zones/zones';

/** Name → parameters of the method: path, query, headers and body in one type, told apart by the comments on its properties. */
export interface LibraryParams {
  AccountListParams: AccountListParams;
  TieredCachingEditParams: TieredCachingEditParams;
  SmartTieredCacheEditParams: SmartTieredCacheEditParams;
  HostnameAssociationUpdateParams: HostnameAssociationUpdateParams;
  RecordListParams: RecordListParams;
  ManagedTransformEditParams: ManagedTransformEditParams;
  MTLSCertificateCreateParams: MTLSCertificateCreateParams;
  BucketCreateParams: BucketCreateParams;
  BucketListParams: BucketListParams;
  CustomCreateParams: CustomCreateParams;
  CustomUpdateParams: CustomUpdateParams;
  ManagedUpdateParams: ManagedUpdateParams;
  ObjectListParams: ObjectListParams;
  RulesetCreateParams: RulesetCreateParams;
  RulesetListParams: RulesetListParams;
  RulesetUpdateParams: RulesetUpdateParams;
  PhaseUpdateParams: PhaseUpdateParams;
  RuleCreateParams: RuleCreateParams;
  RuleEditParams: RuleEditParams;
  DomainListParams: DomainListParams;
  DomainUpdateParams: DomainUpdateParams;
  RouteCreateParams: RouteCreateParams;
  RouteUpdateParams: RouteUpdateParams;
  DeploymentCreateParams: DeploymentCreateParams;
  DeploymentListParams: DeploymentListParams;
  ScheduleUpdateParams: ScheduleUpdateParams;
  ScriptDeleteParams: ScriptDeleteParams;
  ScriptListParams: ScriptListParams;
  ScriptUpdateParams: ScriptUpdateParams;
  SecretBulkUpdateParams: SecretBulkUpdateParams;
  SecretUpdateParams: SecretUpdateParams;
  SettingEditParams: SettingEditParams;
  SubdomainCreateParams: SubdomainCreateParams;
  VersionListParams: VersionListParams;
  // Of two dozen kinds of application, a stage's: it stands before hosts of its own.
  ApplicationCreateParams: ApplicationCreateParams.SelfHostedApplication;
  ApplicationListParams: ApplicationListParams;
  ApplicationUpdateParams: ApplicationUpdateParams.SelfHostedApplication;
  CertificateCreateParams: CertificateCreateParams;
  CertificateUpdateParams: CertificateUpdateParams;
  SettingUpdateParams: SettingUpdateParams;
  PolicyCreateParams: PolicyCreateParams;
  PolicyListParams: PolicyListParams;
  PolicyUpdateParams: PolicyUpdateParams;
  ServiceTokenCreateParams: ServiceTokenCreateParams;
  ServiceTokenListParams: ServiceTokenListParams;
  ServiceTokenRotateParams: ServiceTokenRotateParams;
  LifecycleUpdateParams: LifecycleUpdateParams;
  LockUpdateParams: LockUpdateParams;
  ServiceTokenUpdateParams: ServiceTokenUpdateParams;
  IdentityProviderListParams: IdentityProviderListParams;
  ZoneListParams: ZoneListParams;
}
