import {
  changedTokenSettings,
  DEFAULT_TOKEN_SETTINGS,
  tokenSettingsFaults,
  tokenSettingsWarnings,
} from './token-settings.ts';

const LIFE = { tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' } as const;
const faultsOf = (change: Parameters<typeof changedTokenSettings>[1]) =>
  tokenSettingsFaults(changedTokenSettings(null, change)).map(({ field, code }) => `${field} ${code}`);

describe('token settings', () => {
  it("start from the vendor's defaults", () => {
    expect(changedTokenSettings(null, {})).toEqual(DEFAULT_TOKEN_SETTINGS);
    expect(faultsOf({})).toEqual([]);
  });

  it('keep what a change leaves out', () => {
    const first = changedTokenSettings(null, { ...LIFE, deletePrevious: true });
    expect(changedTokenSettings(first, { grantType: 'CLIENT_CREDENTIALS', tokenExpiresInUnit: undefined })).toEqual({
      ...first,
      grantType: 'CLIENT_CREDENTIALS',
    });
  });

  it.each([
    [{ tokenNeverExpires: false }, ['tokenExpiresInAmount required', 'tokenExpiresInUnit required']],
    [{ ...LIFE, tokenExpiresInAmount: 2 ** 53 - 1 }, ['tokenExpiresInAmount out_of_range']],
    [{ refreshTokenAllowed: true, refreshTokenExpiresInAmount: 5 }, ['refreshTokenExpiresInUnit required']],
  ] as const)('of %j lack something as a whole', (change, faults) => {
    expect(faultsOf(change)).toEqual(faults);
  });

  it('that last for ever are warned about, by their own names', () => {
    expect(tokenSettingsWarnings(DEFAULT_TOKEN_SETTINGS)).toEqual([
      { field: 'tokenNeverExpires', message: 'tokens of this credential never expire' },
    ]);
    expect(tokenSettingsWarnings(changedTokenSettings(null, LIFE))).toEqual([]);
  });
});
