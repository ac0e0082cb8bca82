// The shapes of src/web/openapi.yaml under the names that the page uses.
import type { components } from './schema';

type Schemas = components['schemas'];

export type SignIn = Schemas['SignIn'];
export type Session = Schemas['Session'];
export type Access = Schemas['Access'];
export type Channel = Schemas['Channel'];
export type Server = Schemas['Server'];
export type ServerDetail = Schemas['ServerDetail'];
export type LeaderboardKind = Schemas['LeaderboardKind'];
export type Leaderboard = Schemas['Leaderboard'];
export type PointsHistory = Schemas['PointsHistory'];
export type ActivityRow = Schemas['ActivityRow'];
export type Setting = Schemas['Setting'];
export type SettingChanged = Schemas['SettingChanged'];
export type AuditRow = Schemas['AuditRow'];
export type Grant = Schemas['Grant'];
export type Finding = Schemas['Finding'];
export type Setup = Schemas['Setup'];
