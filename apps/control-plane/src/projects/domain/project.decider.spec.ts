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

  it('is deleted once', () => {
    given(projectDecider, []).when({ type: 'DeleteProject' }).thenRefuses('NOT_FOUND');
    given(projectDecider, [created, deleted]).when({ type: 'DeleteProject' }).thenRefuses('NOT_FOUND');
  });
});
