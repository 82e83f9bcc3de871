import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { type ShareMember, shareTopics } from './share.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const NAME = 'paceline';
const VERSION = 1;

/**
 * Shares topics among the members of a group as the embedded groups do: even, sticky, and never to a member that has not
 * yet discovered a topic. kafkajs's round robin goes by the leader's topics alone.
 */
export function pacelineAssigner(owned: () => readonly string[]): PartitionAssigner {
  return () => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.from(owned().join('\n')) }),
    }),
    assign: async ({ members }) =>
      [...shareTopics(members.map(memberOf))].map(([memberId, topics]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: Object.fromEntries(topics.map((topic) => [topic, [0]])),
          userData: Buffer.alloc(0),
        }),
      })),
  });
}

function memberOf(member: { readonly memberId: string; readonly memberMetadata: Buffer }): ShareMember {
  const metadata = MemberMetadata.decode(member.memberMetadata);
  const text = metadata?.userData.toString('utf8') ?? '';
  return { id: member.memberId, subscribed: metadata?.topics ?? [], owned: text === '' ? [] : text.split('\n') };
}
