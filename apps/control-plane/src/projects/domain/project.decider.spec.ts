import { given } from '../../decider/testing/given.ts';
import { projectDecider, type ProjectEvent } from './project.decider.ts';

const created: ProjectEvent = {
  type: 'ProjectCreated',
  schemaVersion: 1,
  data: { projectId: 'j-1', name: 'shop', description: 'd' },
};
const deleted: ProjectEvent = { type: 'ProjectDeleted', schemaVersion: 1, data: { projectId: 'j-1', name: 'shop' } };

describe('a project', () => {
  it('is created', () => {
    given(projectDecider, [])
      .when({ type: 'CreateProject', projectId: 'j-1', name: 'shop', description: 'd' })
      .then([created]);
  });

  it('is deleted under the name it has', () => {
    given(projectDecider, [created]).when({ type: 'DeleteProject' }).then([deleted]);
  });

  it('has limits of its own when it is given some, and is there for that', () => {
    const limits = {
      ...{ proxies: 20, credentials: null, keyStores: null, variables: null },
      ...{ policiesPerProxy: 10, endpointsPerProxy: null },
    };
    given(projectDecider, [created])
      .when({ type: 'ChangeLimits', limits })
      .then([{ type: 'ProjectLimitsChanged', schemaVersion: 1, data: { projectId: 'j-1', limits } }]);
    given(projectDecider, []).when({ type: 'ChangeLimits', limits }).thenRefuses('NOT_FOUND');
  });

  it('is deleted once', () => {
    given(projectDecider, []).when({ type: 'DeleteProject' }).thenRefuses('NOT_FOUND');
    given(projectDecider, [created, deleted]).when({ type: 'DeleteProject' }).thenRefuses('NOT_FOUND');
  });
});
